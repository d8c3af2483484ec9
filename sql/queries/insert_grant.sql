-- $1 operator, $2 list, $3 role; no row where there is no such operator
INSERT INTO grants (operator, list, role) SELECT name, $2, $3 FROM operators WHERE name = $1
ON CONFLICT (operator, list) DO UPDATE SET role = EXCLUDED.role
