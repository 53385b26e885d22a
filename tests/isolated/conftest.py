import pytest

from tests.isolated.scene import Bundle, Scene


@pytest.fixture
def scene(tmp_path: object) -> Scene:
    """A store of site plant-7 that believes alice."""
    scene = Scene(str(tmp_path))
    scene.set_up()
    return scene


@pytest.fixture
def one(scene: Scene) -> Bundle:
    """The first bundle, imported."""
    bundle = scene.export()
    scene.take_in(bundle)
    return bundle
