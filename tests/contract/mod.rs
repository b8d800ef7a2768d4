//! What the parts of the contract share.

use ttplan::engines::database::{ReadDatabase, WriteDatabase};
use ttplan::error::{Kind, Result};

use crate::ground::{self, Ground, TestDatabase};

mod changing;
mod looking;

/// What an application of two tables and a view has.
pub const APPLICATION: &str = "
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, note TEXT);
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, total NUMERIC(10, 2) DEFAULT 0,
        CONSTRAINT orders_total_positive CHECK (total >= 0),
        CONSTRAINT orders_client_fk FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE);
    CREATE INDEX orders_by_client ON orders (client_id);
    CREATE VIEW open_orders AS SELECT o.id, c.name FROM orders o JOIN clients c ON c.id = o.client_id;
    INSERT INTO clients VALUES (1, 'Ann', NULL), (2, 'Bo', ''), (30, 'Cee', 'a ''quoted'' note');
    INSERT INTO orders VALUES (7, 1, 9.5), (8, 30, 100);
";

/// Rubbish with a name that wants to be quoted.
pub const RUBBISH: &str = "
    CREATE TABLE \"My Table; drop\" (\"a \"\"b\"\"\" TEXT, \"select\" INTEGER);
    INSERT INTO \"My Table; drop\" VALUES ('x', 1), (NULL, NULL), ('x', 1);
";

/// Runs a test on an empty database of every engine.
pub fn on_every_engine(test: impl Fn(&dyn Ground, &dyn TestDatabase)) {
    for ground in ground::all() {
        test(ground.as_ref(), ground.database().as_ref());
    }
}

pub fn inspect(ground: &dyn Ground, database: &dyn TestDatabase) -> Box<dyn ReadDatabase> {
    (ground.engine().inspect)(&database.access()).unwrap()
}

pub fn change(ground: &dyn Ground, database: &dyn TestDatabase) -> Box<dyn WriteDatabase> {
    (ground.engine().change)(&database.access()).unwrap()
}

pub fn home(ground: &dyn Ground, database: &dyn TestDatabase) -> String {
    inspect(ground, database).look().unwrap().schema.home
}

pub fn kind<T>(result: Result<T>) -> Kind {
    result.err().expect("an error was expected").kind()
}
