-- A list's feed begins, unless it has. $1 list
INSERT INTO feeds (list) VALUES ($1) ON CONFLICT (list) DO NOTHING
