-- Comments at the ends of lines stay with what they stand behind.
create table t ( -- the columns
 a int, -- first
 b decimal(10,2) -- second
 , c row<x int, -- inner
 y int>, -- outer
 primary key (a) not enforced -- key
) -- table
partitioned by (a) -- part
with ('connector'='datagen' -- gen
);
select a -- first
 , b, -- second
 c || -- third
 d as e, -- fourth
 count(*) -- number
from -- source
 t -- table
where -- conditions
 a = 1 and -- one
 b between 1 and -- low
 2 or -- two
 -c = 3 -- three
group by -- groups
 a, -- group
 b having -- having
 count(*) > 1;
select distinct -- once
 a from t join u on -- on
 t.a = u.a; -- done
with -- with
 x as (select 1), -- x
 y as ( -- y
 select 2) -- end y
select * from x;
