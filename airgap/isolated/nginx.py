"""A configuration for stock nginx that hands out the views of a store from its files alone."""

import re
from typing import Final

from airgap.core.errors import UsageError
from airgap.isolated.views.npm import BASE

_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f\"'\\${};#]+")
PLACEHOLDER: Final = BASE.removesuffix("npm/")
"""What addresses begin with in packuments; the address that a client used is put in its place."""

_TEXT: Final = """\
# Hands out the store {store} with stock nginx, read-only and without root:
#   nginx -p "$PWD" -c "$PWD/nginx.conf"        and to stop it: nginx -p "$PWD" -c "$PWD/nginx.conf" -s quit
# The folder holds its logs and temporary files. Put TLS and access rules here.
worker_processes auto;
pid nginx.pid;
error_log stderr error;

events {{
    worker_connections 1024;
}}

http {{
    access_log off;
    # clients ask for much that is not there, and what they ask for would be printed as it is
    log_not_found off;
    server_tokens off;
    client_body_temp_path tmp-body;
    proxy_temp_path tmp-proxy;
    fastcgi_temp_path tmp-fastcgi;
    uwsgi_temp_path tmp-uwsgi;
    scgi_temp_path tmp-scgi;
    sendfile on;
    tcp_nopush on;
    default_type application/octet-stream;
    charset utf-8;
    max_ranges 1;

    # nginx knows a file by its time and size, which two files of a store can share: a client would keep the wrong one, or
    # continue one file with the rest of another
    etag off;
    if_modified_since off;
    add_header Last-Modified "";

    add_header Cache-Control no-cache always;
    add_header X-Content-Type-Options nosniff always;
    add_header Vary $vary;
    map $uri $vary {{
        ~^/pypi/simple/ Accept;
        ~^/npm/ Host;
    }}

    # the Python index as JSON where a client says that it reads that, else as HTML
    map $http_accept $simple {{
        default index.html;
        "~*application/vnd\\.pypi\\.simple\\.(v1|latest)\\+json(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))" index.json;
    }}

    # it is put into packuments, so it must be one
    map $http_host $is_host {{
        default 0;
        "~^([A-Za-z0-9][A-Za-z0-9._-]*|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{{1,5}})?$" 1;
    }}

    server {{
        listen {listen};
        absolute_redirect off;
        merge_slashes off;
        # an import moves the link "current"; below it nothing is followed
        root "{store}/current";
        disable_symlinks on from=$document_root;
        client_max_body_size 1k;

        if ($request_method !~ ^(GET|HEAD)$) {{
            return 405;
        }}

        if ($is_host = 0) {{
            return 400;
        }}

        location / {{
            return 404;
        }}

        location ~ // {{
            return 404;
        }}

        location = / {{
            default_type text/html;
            return 200 '<!DOCTYPE html><title>airgap</title><a href="files/">files</a> <a href="pypi/">pypi</a>\n';
        }}

        location = /files {{
            return 301 /files/;
        }}

        location = /pypi {{
            return 301 /pypi/;
        }}

        location /files/ {{
            autoindex on;
            # no file is called that: a page among plain files does not take the place of the list
            index ~;
            types {{
                text/plain txt html htm md json asc sig;
            }}
        }}

        location /pypi/ {{
            autoindex on;
            types {{
                text/plain metadata;
                application/vnd.pypi.integrity.v1+json provenance;
            }}
        }}

        location /pypi/simple/ {{
            index $simple index.html;
            types {{
                text/html html;
                application/vnd.pypi.simple.v1+json json;
            }}
        }}

        # a packument is the file index.html of its folder, asked for without a slash at the end
        location /npm/ {{
            try_files $uri/index.html =404;
            types {{
                application/json html;
            }}
            sub_filter "{placeholder}" "$scheme://$http_host/";
            sub_filter_once off;
            sub_filter_types application/json;
        }}

        # tarballs, and what is signed about them: not a byte is replaced in those
        location ~ ^/npm/.+/-/ {{
            types {{
                application/json json;
            }}
        }}
    }}
}}
"""


def configuration(store: str, *, listen: str) -> str:
    """The text of ``nginx.conf``.

    Args:
        store: absolute path of the store.
        listen: address and port, ``127.0.0.1:8080``.

    Raises:
        UsageError: a path that nginx could read as something else.
    """
    if not _PLAIN.fullmatch(store):
        raise UsageError(f"--store: expected a path without quotes, dollars and the like for nginx, got {store!a:.160}")
    return _TEXT.format(store=store, listen=listen, placeholder=PLACEHOLDER)
