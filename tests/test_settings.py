import pytest

from ststudio.errors import StudioError
from ststudio.settings import Settings


def test_every_limit_is_set_by_its_variable() -> None:
    settings = Settings.from_environment({"STSTUDIO_ROWS": "5", "STSTUDIO_DATA": "/x"})
    assert settings.rows == 5
    assert str(settings.folder) == "/x"


def test_a_value_that_is_no_number_names_its_variable() -> None:
    with pytest.raises(StudioError, match="STSTUDIO_ROWS='many'"):
        Settings.from_environment({"STSTUDIO_ROWS": "many"})


def test_off_a_space_the_server_is_bound_to_loopback() -> None:
    assert Settings.from_environment({}).host == "127.0.0.1"
