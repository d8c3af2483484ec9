-- The purpose of each version of a list's notice, by its hash. $1 list
SELECT sha256, purpose FROM notices WHERE list = $1
