-- Which of these hashes are not those of a list's notices. $1 list, $2 hashes
SELECT a.sha256 FROM unnest($2::bytea[]) AS a (sha256)
WHERE NOT EXISTS (SELECT FROM notices n WHERE n.list = $1 AND n.sha256 = a.sha256)
