-- The hours in which readers of a list's feed were handed rows that the trail does not tell of yet, and how far the trail
-- was before. $1 list
SELECT hour, since FROM fed WHERE list = $1 AND rows > 0
