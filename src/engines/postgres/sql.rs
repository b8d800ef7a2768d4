//! Pieces of SQL that more than one file of this engine speaks: settings of a session, literals, a
//! session in words. Sends nothing anywhere.

/// Session settings that make answers the same wherever they are asked, and sessions that neither
/// wait for ever nor are ended while a client program works. Names with the first major version
/// that knows them. `row_security`: rows that are hidden from us are an error, never a smaller
/// count.
const SETTINGS: &[(u32, &str, &str)] = &[
    (0, "client_min_messages", "error"),
    (0, "row_security", "off"),
    (0, "datestyle", "ISO, YMD"),
    (0, "intervalstyle", "postgres"),
    (0, "timezone", "UTC"),
    (0, "extra_float_digits", "3"),
    (0, "bytea_output", "hex"),
    (0, "lc_monetary", "C"),
    (0, "standard_conforming_strings", "on"),
    (0, "jit", "off"),
    (0, "statement_timeout", "15min"),
    (0, "lock_timeout", "10s"),
    (0, "idle_in_transaction_session_timeout", "0"),
    (0, "tcp_keepalives_idle", "60"),
    (14, "idle_session_timeout", "0"),
    (17, "transaction_timeout", "0"),
];

/// What holds within a transaction that changes things: others are made to wait for us no longer
/// than this at a time (whoever calls tries again), and what is committed is on disk.
pub(super) const WITHIN: &str = "SET LOCAL lock_timeout = '1s'; \
    SELECT pg_catalog.set_config('synchronous_commit', 'on', true) \
    WHERE pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'";

/// A session in words, as far as we may see it; never what it asks.
pub(super) const WHO: &str = "concat_ws(' ',
    nullif(a.backend_type, 'client backend'), 'process', pid, 'of `' || a.usename || '`',
    'as `' || nullif(a.application_name, '') || '`',
    'from ' || coalesce(host(a.client_addr), CASE WHEN a.client_port = -1 THEN 'this host' END),
    '(' || a.state || ')')";

pub(super) fn settings(major: u32, set: &str) -> String {
    let known = SETTINGS.iter().filter(|(since, ..)| *since <= major);
    let texts: Vec<String> =
        known.map(|(_, name, value)| format!("{set} {name} = '{value}'")).collect();
    texts.join("; ")
}

pub(super) use crate::engines::dialect::literal;
