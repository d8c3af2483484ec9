//! The statements, one a file. `tests/it/sql.rs` prepares each against the real schema.

macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!(concat!("../../sql/queries/", $file, ".sql"));)*
        /// Every statement with its file's name.
        pub const ALL: &[(&str, &str)] = &[$(($file, $name),)*];
    };
}

statements! {
    APPEND_TILES = "append_tiles",
    APPLY_CONFIRMS = "apply_confirms",
    APPLY_ERASURES = "apply_erasures",
    APPLY_REWRITES = "apply_rewrites",
    APPLY_SIGNUPS = "apply_signups",
    BURY_LETTER = "bury_letter",
    CLOSE_LIST = "close_list",
    COUNT_LOST = "count_lost",
    COUNT_SUBSCRIPTIONS = "count_subscriptions",
    DELAY_LETTER = "delay_letter",
    DELETE_ACCESS_TOKENS = "delete_access_tokens",
    DELETE_LETTER = "delete_letter",
    DELETE_LETTERS = "delete_letters",
    DELETE_WAITING_ENTRIES = "delete_waiting_entries",
    EXPORT_SNAPSHOT = "export_snapshot",
    EXPORT_SUBSCRIPTIONS = "export_subscriptions",
    DELETE_DEAD_LETTERS = "delete_dead_letters",
    FIND_ACCESS_TOKEN = "find_access_token",
    FIND_ENTRIES = "find_entries",
    FIND_ENTRY = "find_entry",
    FIND_LIST = "find_list",
    FIND_LIST_BY_NUMBER = "find_list_by_number",
    FIND_NOTICE = "find_notice",
    FIND_OPERATOR = "find_operator",
    FIND_SUBSCRIPTION = "find_subscription",
    FIND_TILE = "find_tile",
    FIND_TRAIL = "find_trail",
    HURRY_LETTERS = "hurry_letters",
    INSERT_ACCESS_TOKEN = "insert_access_token",
    INSERT_ENTRIES = "insert_entries",
    INSERT_ENTRY = "insert_entry",
    INSERT_FINGERPRINTS = "insert_fingerprints",
    INSERT_LIST = "insert_list",
    INSERT_NOTICE = "insert_notice",
    INSERT_OPERATOR = "insert_operator",
    LEASE_LETTER = "lease_letter",
    LOCK_TRAIL = "lock_trail",
    RENEW_LEASE = "renew_lease",
    SELECT_CLOSED_ROWS = "select_closed_rows",
    SELECT_ENTRIES = "select_entries",
    SELECT_EXPIRED_SIGNUPS = "select_expired_signups",
    SELECT_FINGERPRINTS = "select_fingerprints",
    SELECT_LISTS = "select_lists",
    SELECT_NOTICES = "select_notices",
    SELECT_ROWS = "select_rows",
    SELECT_TRAILS_TO_SEAL = "select_trails_to_seal",
    SELECT_UNKNOWN_NOTICES = "select_unknown_notices",
    SEQUENCE_ENTRIES = "sequence_entries",
    UPDATE_LIST = "update_list",
    UPDATE_REPLAY = "update_replay",
    UPDATE_TRAIL = "update_trail",
}
