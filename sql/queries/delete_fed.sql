-- Takes the counts of hours that are over, to be told in the trail. $1 the first hour that is not over
DELETE FROM fed WHERE hour < $1 RETURNING list, rows, since, uuid_send(gen_random_uuid()) AS id
