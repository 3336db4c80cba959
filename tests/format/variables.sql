-- What variables stand for nobody knows: they stay where they are, and so does the case of statements that need them to be read.
set 'a' = '${A}';
set 'b' = ${QUOTED};
create table t_${ENV} (a decimal(${P}, 2), b int) with ('path' = '${OUT}/${ENV}'   , 'c' = 'd');
insert into out_${ENV} select a, ${COLUMN}, b as ${B}_x, ${X}${Y} from t_${ENV} where a > ${MIN} and ${CONDITION} limit ${N};
select a from t ${TAIL};
