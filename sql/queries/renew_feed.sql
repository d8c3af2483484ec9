-- Readers of a list's feed have to begin again, by an export. $1 list
UPDATE feeds SET epoch = uuid_send(gen_random_uuid()), floor = last WHERE list = $1
