/* head */ -- top
set 'a.b' = 'c';;

-- lonely

create  table if not exists t ( -- the columns
  k string not null comment 'it''s', -- the key
  -- a remark
  `order` row<a int, B array<row<c string, D map<string,int>>>, e timestamp_ltz(3)>, v decimal ( 10 , 2 ) -- last one
  , primary key (k) not enforced ,ts as to_timestamp(x, 'yyyy') , watermark for ts as ts - interval '5' second
) comment 'x' partitioned by ( k ) with ( 'connector'='kafka' , -- how
 'topic' = '${TOPIC}' /* inline */, 'a' = 'b'
 -- end of options
 ) ;
insert into t /*+ OPTIONS('x' = 'y') */ (a,b) select  Count , count(*) , sum( distinct a.b ) filter (where a>1 and b<-1), -x, a - -1, case when a then 1 else 2 end - 1, cast(a as string), t.*, m['x'] , arr[ 1 ],
 -- why
 case a when 1 then 'one' when 2 then 'two two two two two two two two' when 3 then 'three three three three three' else null end as nm from topic_${ENV} as tt left outer join (select a,b from c where x in (1,2,3)) q on tt.a=q.a and tt.b is not distinct from q.b cross join unnest(arr) as u(x) where (a between 1 and 2 or b like 'x%') and not c and exists (select 1 from d) -- filter
 group by a, b having count(*)>1 order by a desc limit 10;
with a as (select 1), b (x, y) as (select * from tumble(table a, descriptor(ts), interval '5' minutes) where aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1) select * from a union all select * from b;
select row_number() over (partition by a, b order by c desc rows between unbounded preceding and current row) as rn, row_number() over w from t window w as (partition by a);
select 1 union all (select 2 from x) union distinct values (1, 2), (3, 4);
values (1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), (2, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'), (3, 'c');
execute statement set begin
insert into a select * from b; -- one

insert into a select * from c;

end;
alter table t add (a int first, b string after c); alter table t set ('k' = 'v', 'kk' = 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');
explain plan for insert into x select trim(both from a), extract(year from ts), json_object('a' : 1, 'b': 2), try_cast(a as row<x int>), a || b || cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc || dddddddddddd from t
where concat_ws(',', aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccccccccccccccc, ddddddddd) = 'x';
create table y like t (including all excluding options);
create table z with ('a' = 'b') as select * from t;
show tables like 'a%'; describe t; use catalog c; drop table if exists t;
select * from t match_recognize (partition by a order by ts measures A.x as ax, last(B.y) as yb one row per match after match skip past last row pattern (A B+ C*? D{2,4}) define B as B.x > 1) as m;
select u&'caf\00e9' as a,U&'it''s #263A'   uescape '#' b from t where c=U&'\0041' and -U&'\0041'-1>0;
create table u (a int comment 'c') with ('connector'=u&'data\0067en', U&'a' = 'b');
create function f as 'com.example.F' language java;
select a as `from`, x.value, t.`select` from t for system_time as of ts as q
-- bye
