-- Takes the name out of access records of whom there is no row: a signup was replaced, or its person left in the very
-- moment in which the record was written.
UPDATE access_records a SET subscription = NULL
WHERE subscription IS NOT NULL
  AND NOT EXISTS (SELECT FROM subscriptions s WHERE s.list = a.list AND s.id = a.subscription)
