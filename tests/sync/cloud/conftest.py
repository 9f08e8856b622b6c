"""The cloud's tests run on SQLite and on PostgreSQL: whatever takes `address` or `db` runs twice."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from flask.testing import FlaskClient
from small_postgres import NoPostgresError, in_schema, small_postgres
from telling_hub import Clock, TellingHub, enrolled, small_cloud

from sync.cloud.db import Database, open_database
from sync.cloud.schema import migrate

BOTH = ("sqlite", "postgresql")
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server, one for all tests of this process."""
    try:
        with small_postgres(durable=False) as address:
            yield address
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL here: {error}")


@pytest.fixture(scope="session")
def new_address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes the address of a database in which nothing is, of one of `BOTH`."""

    def make(which: str) -> str:
        if which == "sqlite":
            return str(tmp_path_factory.mktemp("cloud") / "cloud.db")
        import psycopg

        server: str = request.getfixturevalue("postgres")
        name = f"cloud_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f"CREATE SCHEMA {name}")
        return in_schema(server, name)

    return make


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, new_address: Callable[[str], str]) -> str:
    """A database without tables."""
    return new_address(request.param)


@pytest.fixture
def db(address: str) -> Iterator[Database]:
    """A database with its tables."""
    made = open_database(address)
    migrate(made)
    yield made
    made.close()


@pytest.fixture(scope="module", params=BOTH)
def shared_db(request: pytest.FixtureRequest, new_address: Callable[[str], str]) -> Iterator[Database]:
    """One for all examples of a property: each has a hub of its own in it."""
    made = open_database(new_address(request.param))
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(db: Database, clock: Clock) -> FlaskClient:
    return small_cloud(db, clock).test_client()


@pytest.fixture
def hub(db: Database) -> TellingHub:
    """A hub of Chalk City."""
    return enrolled(db)
