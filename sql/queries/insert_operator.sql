-- $1 name, $2 mail, $3 time
INSERT INTO operators (name, mail, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING
