import pytest
from packageurl import PackageURL

from airgap.core.errors import FormatError
from airgap.core.purl import check_purl, file_purl, is_match

CANONICAL = [
    "pkg:pypi/requests@2.32.3",
    "pkg:npm/%40scope/name@1.0.0",
    "pkg:maven/org.apache.commons/io@1.3.4",
    "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
    "pkg:oci/debian@sha256:244fd47e07d10?repository_url=docker.io/library/debian&tag=latest",
    "pkg:golang/google.golang.org/genproto#googleapis/api/annotations",
    "pkg:huggingface/distilbert-base-uncased@043235d6088ecd3dd5fb5ca3592b6913fd516027",
    "pkg:generic/openssl@1.1.10g?checksum=sha256:de4d501267da&download_url=https://openssl.org/source/a.tar.gz",
    "pkg:generic/a%20b/%C3%A9%25.txt",
    "pkg:cargo/rand@1.0.0%2Bbuild",
    "pkg:generic/tool@release%2F1.0?arch=x86",
    "pkg:swift/github.com/Alamofire/Alamofire@5.4.3",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_a_canonical_purl_passes_and_the_reference_reader_writes_it_the_same(text: str) -> None:
    check_purl(text)

    assert PackageURL.from_string(text).to_string() == text.replace("%2F", "/")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("requests", id="no scheme"),
        pytest.param("pkg:pypi", id="no name"),
        pytest.param("pkg:pypi/", id="empty name"),
        pytest.param("pkg:/requests@1", id="no type"),
        pytest.param("PKG:pypi/requests@1", id="scheme in capitals"),
        pytest.param("pkg:PyPI/requests@1", id="type in capitals"),
        pytest.param("pkg://pypi/requests@1", id="slashes after the scheme"),
        pytest.param("pkg:1st/requests@1", id="type begins with a digit"),
        pytest.param("pkg:pypi/requests@", id="empty version"),
        pytest.param("pkg:pypi//requests@1", id="empty namespace"),
        pytest.param("pkg:npm/@scope/name@1", id="commercial at not escaped"),
        pytest.param("pkg:generic/a b", id="blank"),
        pytest.param("pkg:generic/a\n", id="newline"),
        pytest.param("pkg:generic/é", id="not ASCII"),
        pytest.param("pkg:generic/a%2", id="cut escape"),
        pytest.param("pkg:generic/a%c3%a9", id="escape in small letters"),
        pytest.param("pkg:pypi/ev%69l@1", id="needless escape"),
        pytest.param("pkg:pypi/a%2Dm@1", id="needless escape of an unreserved mark"),
        pytest.param("pkg:pypi/a%3Am@1", id="needless escape of a colon"),
        pytest.param("pkg:generic/%FF", id="escape of bytes that are not UTF-8"),
        pytest.param("pkg:generic/%C0%AF", id="escape of an overlong form"),
        pytest.param("pkg:generic/a%2Fb@1", id="escaped slash in a name"),
        pytest.param("pkg:generic/a?u=b%2Fc", id="escaped slash in a qualifier"),
        pytest.param("pkg:generic/../x", id="dots in the namespace"),
        pytest.param("pkg:generic/a/.", id="a dot as name"),
        pytest.param("pkg:generic/a#x/../y", id="dots in the subpath"),
        pytest.param("pkg:generic/a?", id="empty qualifiers"),
        pytest.param("pkg:generic/a?b=", id="empty qualifier"),
        pytest.param("pkg:generic/a?B=1", id="qualifier in capitals"),
        pytest.param("pkg:generic/a?z=1&a=1", id="unsorted qualifiers"),
        pytest.param("pkg:generic/a?a=1&a=2", id="repeated qualifier"),
        pytest.param("pkg:generic/a#", id="empty subpath"),
        pytest.param("pkg:generic/" + "a" * 2048, id="too long"),
    ],
)
def test_two_spellings_of_one_purl_never_pass_both(text: str) -> None:
    """Or a revocation of one would not cover the other."""
    with pytest.raises(FormatError) as caught:
        check_purl(text)

    assert caught.value.message == f"purl: expected pkg:type/name@version, got {text!a:.120}"


def test_the_longest_purl_has_2048_characters() -> None:
    check_purl("pkg:generic/" + "a" * 2036)


@pytest.mark.parametrize("path", ["a.txt", "models/weights.csv", "a b/c@d", "é/東京", "100%", "a:b", "x+y=z", "~q/-_."])
def test_the_purl_of_a_file_is_canonical_and_names_its_path(path: str) -> None:
    text = file_purl(path)
    read = PackageURL.from_string(text)

    check_purl(text)
    assert (read.type, "/".join(filter(None, (read.namespace, read.name)))) == ("generic", path)


@pytest.mark.parametrize(
    ("pattern", "purl", "covered"),
    [
        ("*", "pkg:pypi/a@1", True),
        ("pkg:pypi/*", "pkg:pypi/a@1", True),
        ("pkg:pypi/*", "pkg:pypi/", True),
        ("pkg:pypi/*", "xpkg:pypi/a", False),
        ("pkg:pypi/a@*", "pkg:pypi/ab@1", False),
        ("pkg:pypi/a@1", "pkg:pypi/a@1", True),
        ("pkg:pypi/a@1", "pkg:pypi/a@10", False),
        ("pkg:pypi/a@1.0", "pkg:pypi/a@1x0", False),
        ("pkg:pypi/[ab]@1?", "pkg:pypi/a@1x", False),
        ("pkg:*/a@*", "pkg:npm/%40s/a@1", True),
        ("*a*b", "a-a-b-b", True),
        ("*ab*b", "ab", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a**b", "ab", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_only_the_star_is_special_in_a_pattern(pattern: str, purl: str, covered: bool) -> None:
    assert is_match(purl, pattern) is covered


def test_t092_many_stars_match_in_little_time() -> None:
    """Backtracking took a minute for eight stars over sixty letters: this test would hang."""
    assert not is_match("pkg:" + "a" * 2000, "pkg:" + "*a" * 200 + "*b")
