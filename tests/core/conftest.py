from tests import one_database

database = one_database.database
