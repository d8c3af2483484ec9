-- The subscription of an address. $1 list, $2 address key
SELECT id FROM subscriptions WHERE list = $1 AND address_key = $2
