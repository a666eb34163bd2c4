"""What the server's settings make of its environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from p3s.server.project.settings import postgresql


def test_a_database_address_is_read() -> None:
    pytest.importorskip("psycopg", reason="needs the extra postgresql")
    found = postgresql("postgresql://ana:a%40b@db:5433/p3s")
    assert [found[one] for one in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == ["p3s", "ana", "a@b", "db", "5433"]


def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p3s.server.project.settings.find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match=r"install p3s with its extra, p3s\[postgresql\]"):
        postgresql("postgresql://ana@db/p3s")
