-- How many people are on each of some lists, by their logs; no row for a list whose log has not begun. $1 lists
SELECT list, subscribers FROM trails WHERE list = ANY ($1)
