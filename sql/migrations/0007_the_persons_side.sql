-- When a letter with a link was last owed to whoever asked for one by address: one of a kind within a while, so that
-- nobody's mailbox is filled by others.
ALTER TABLE subscriptions ADD COLUMN data_asked_at timestamptz, ADD COLUMN leave_asked_at timestamptz;

-- The newest version of the notice that the person was mailed about: each is told once, however often the telling is
-- begun.
ALTER TABLE subscriptions ADD COLUMN announced integer;

-- When a new address that nobody has confirmed goes from under the seal. The sweeper cannot look there by itself.
ALTER TABLE subscriptions ADD COLUMN correction_expires_at timestamptz;
CREATE INDEX subscriptions_corrections ON subscriptions (list, correction_expires_at)
    WHERE correction_expires_at IS NOT NULL;

ALTER TABLE subscriptions
    ALTER data_asked_at SET STATISTICS 0,
    ALTER leave_asked_at SET STATISTICS 0,
    ALTER announced SET STATISTICS 0,
    ALTER correction_expires_at SET STATISTICS 0;

-- The log's exports and notices, few among many: from them a person is told how often they were exported.
CREATE INDEX trail_entries_events ON trail_entries (list, index)
    WHERE index IS NOT NULL AND get_byte(entry, 1) IN (16, 17);

-- When a letter was owed would tell when somebody asked, longer than the letter is there.
ALTER TABLE outbox ALTER due_at SET STATISTICS 0;
