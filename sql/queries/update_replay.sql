-- Whether a mirror is being replayed over the list. $1 list, $2 whether
UPDATE trails SET is_replaying = $2 WHERE list = $1
