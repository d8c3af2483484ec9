-- Everybody who may do something, and those who may nothing yet.
SELECT o.name, o.mail, o.password, o.confidential_at,
    ARRAY(SELECT g.list FROM grants g WHERE g.operator = o.name ORDER BY g.list) AS granted_lists,
    ARRAY(SELECT g.role FROM grants g WHERE g.operator = o.name ORDER BY g.list) AS granted_roles
FROM operators o ORDER BY o.name
