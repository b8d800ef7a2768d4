//! What plans need of a PostgreSQL database: privileges of the connecting role, and the client
//! programs.

use super::programs::Programs;
use crate::engines::database::Requirement;
use crate::engines::postgres::snapshot::PostgresSnapshot;
use crate::engines::postgres::sql::literal;
use crate::error::Result;
use crate::model::client_programs::ClientPrograms;
use crate::model::database::names::quote;

/// Each as a statement, the question whether it holds, and what grants it.
const PRIVILEGES: &[(&str, &str, &str)] = &[
    (
        "tables can be created (CREATE)",
        "SELECT has_schema_privilege({name}, 'CREATE')",
        "SELECT format('GRANT CREATE ON SCHEMA %I TO %I', {name}, current_user)",
    ),
    (
        "tables can be altered and dropped: they are this role's own (ALTER, DROP)",
        "SELECT NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = {home}::regnamespace
            AND c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE'))",
        "SELECT format('REASSIGN OWNED BY %I TO %I', (SELECT pg_get_userbyid(c.relowner) FROM pg_class c
            WHERE c.relnamespace = {home}::regnamespace AND c.relkind IN ('r', 'p')
            AND NOT pg_has_role(c.relowner, 'USAGE') LIMIT 1), current_user)",
    ),
    (
        "rows can be written (INSERT, UPDATE, DELETE)",
        "SELECT NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = {home}::regnamespace
            AND c.relkind IN ('r', 'p') AND NOT (has_table_privilege(c.oid, 'INSERT')
            AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))",
        "SELECT format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO %I', {name}, current_user)",
    ),
    (
        "a schema for quarantine can be made (CREATE on the database)",
        "SELECT has_database_privilege(current_database(), 'CREATE')",
        "SELECT format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user)",
    ),
];

impl PostgresSnapshot {
    pub(super) fn find_fitness(&mut self, programs: &ClientPrograms) -> Result<Vec<Requirement>> {
        let home = self.facts.home.clone();
        // Quoted as a name, and as a text.
        let spelled = |sql: &str| {
            sql.replace("{home}", &literal(&quote(&home))).replace("{name}", &literal(&home))
        };
        let mut found = Vec::new();
        for (what, question, mend) in PRIVILEGES {
            let holds = self.read_value(&spelled(question))?.as_deref() == Some("t");
            let mend = if holds { None } else { self.read_value(&spelled(mend))? };
            let mend = mend.map(|sql| format!("as an administrator: `psql -c '{sql}'`"));
            found.push(Requirement { what: (*what).to_owned(), holds, mend });
        }
        let major = self.facts.major;
        let missing = Programs::find(programs, major).err();
        found.push(Requirement {
            what: format!("`pg_dump` and `pg_restore` of PostgreSQL {major} or later are here"),
            holds: missing.is_none(),
            mend: missing.map(|_| format!("apt-get install postgresql-client-{major}")),
        });
        Ok(found)
    }
}
