-- Enriched orders.
insert into enriched -- target
select o.id, c.name, case when o.amount > 100 and c.country in ('DE', 'AT', 'CH') then 'large order from the neighbours' when o.amount > 1000 or (c.vip and not c.blocked) then 'x' else 'y' end as kind,
 (select max(x) from y where y.id = o.id) as m, coalesce(case when a then b end, cast(null as decimal(10,2))) z
from orders as o
-- the customer
left join (select id, name, country, vip, blocked from customers where country is not null and created_at > timestamp '2024-01-01 00:00:00') as c
on o.customer_id = c.id and o.region = c.region and o.ts between c.valid_from and c.valid_to - interval '1' second and o.x = 1 -- join
inner join rates for system_time as of o.ts as r on r.currency = o.currency, lateral table(f(o.x)) as t(a, b)
where o.amount is not null /* always */ and o.ts > now() - interval '1' day
 -- not those
 and o.id not in (select id from blocked_orders where reason = 'fraud' and since < current_timestamp and reason like '%a very long reason%')
group by grouping sets ((a, b), (a), ()), window_start
having count(*) > 1 and sum(x) filter (where y > 0) > 10
;
create view v as select a, b from (select a, max(b) as b from t where aaaaaaaaaaaaaaaaaaaaaaaaaaa > bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb group by a) where b > 1;
create temporary table if not exists cat.db.t2 (`a` int not null comment 'first', b as a + 1 comment 'second', c string metadata from 'k' virtual, constraint pk primary key (a, c) not enforced) partitioned by (a) with ('connector' = 'x');
