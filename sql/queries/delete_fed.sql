-- Takes the counts of hours that are over, to be told in the trail. $1 the first hour that is not over
DELETE FROM fed f WHERE hour < $1
RETURNING list, rows, uuid_send(gen_random_uuid()) AS id,
          coalesce((SELECT size FROM trails t WHERE t.list = f.list), 0) AS size
