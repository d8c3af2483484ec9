-- One version of a list's notice. $1 list, $2 version
SELECT bytes, published_at FROM notices WHERE list = $1 AND version = $2
