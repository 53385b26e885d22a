"""The types that carry trust through admission."""

import os
from dataclasses import replace

from airgap.bundle.argument import examine
from airgap.bundle.rules import Asker
from airgap.core.trust import open_trust
from airgap.core.verdict import Check, judge
from airgap.isolated.admit import approve
from airgap.isolated.staging import Staging
from tests.isolated.scene import NOW, Scene, signed, tree


def test_only_an_accepted_verdict_about_a_whole_bundle_is_approved(scene: Scene) -> None:
    asker = Asker(trust=open_trust(signed(scene.trust, "alice").encode()), policy=scene.open().policy(), at=NOW)
    examined = examine([scene.export().path], asker)
    assert approve(examined) is not None

    rejected = judge([], required=[Check.CONTAINER])
    assert approve(replace(examined, verdict=rejected)) is None
    for claims in (
        replace(examined.claims, statement=None),
        replace(examined.claims, manifest=None),
        replace(examined.claims, head=None),
    ):
        assert approve(replace(examined, claims=claims)) is None


def test_what_was_staged_is_gone_once_and_for_all(scene: Scene) -> None:
    before = tree(scene.store_path)
    staging = Staging(scene.open(), "run")
    assert os.listdir(scene.open().layout.staging) == ["run"]
    staging.discard()
    staging.discard()
    assert tree(scene.store_path) == before
