-- When each version of a list's notice was published, the newest first. $1 list
SELECT version, published_at FROM notices WHERE list = $1 ORDER BY version DESC
