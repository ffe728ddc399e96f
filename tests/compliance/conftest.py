from tests import one_database

as_web, database = one_database.as_web, one_database.database
