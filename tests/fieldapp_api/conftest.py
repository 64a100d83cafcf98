"""The invented town and a day in it, as dispatch's tests have them."""

from tests.dispatch.conftest import _process_settings as _process_settings
from tests.dispatch.conftest import cloned_database as cloned_database
from tests.dispatch.conftest import database_url as database_url
from tests.dispatch.conftest import play as play
from tests.dispatch.conftest import town as town
from tests.dispatch.conftest import town_url_and_town as town_url_and_town
