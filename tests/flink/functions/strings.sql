-- Case, lengths, codes, trimming and padding; each over a value, an odd one and NULL.
SELECT UPPER(s), LOWER(s), INITCAP(s), REVERSE(s), CHAR_LENGTH(s), CHARACTER_LENGTH(s), ASCII(s), REPEAT(s, 2), LEFT(s, 2), RIGHT(s, 2)
FROM (VALUES ('hello wORLD-foo bar9baz'), ('éa€'), (''), (CAST(NULL AS STRING))) AS t(s);
SELECT INITCAP('hello wORLD-foo bar9baz éa'), ASCII('abc'), ASCII('é'), UPPER('aé'), REVERSE('abé'), REPEAT('ab', 3), REPEAT('a', -1), LEFT('abc', 2), RIGHT('abc', 9), LEFT('abc', -1);
SELECT CHR(i), CHR(CAST(i AS BIGINT)) FROM (VALUES (65), (321), (233), (-1), (CAST(NULL AS INT))) AS t(i);
SELECT TRIM(BOTH 'x' FROM 'xxaxx'), TRIM(LEADING 'xy' FROM 'xyxaxy'), TRIM(TRAILING 'xy' FROM 'xyaxyx'), TRIM(BOTH FROM '  a '), TRIM('  a '), TRIM(BOTH '' FROM 'a');
SELECT BTRIM('xxaxx', 'x'), LTRIM('xyxa', 'xy'), RTRIM('axyx', 'xy'), BTRIM('  a '), LTRIM('  a'), RTRIM('a  '), BTRIM('a', '');
SELECT TRIM(s), LTRIM(s, 'a'), RTRIM(s, 'c'), BTRIM(s, 'ac'), LTRIM('abc', s), TRIM(LEADING s FROM 'abc') FROM (VALUES ('abc'), (' '), (CAST(NULL AS STRING))) AS t(s);
SELECT LPAD('a', 3, 'xy'), RPAD('a', 4, 'xy'), LPAD('abc', 2, 'x'), LPAD(s, 3, 'é'), RPAD(s, -1, 'x'), LPAD(s, 3, ''), RPAD('a', n, 'b')
FROM (VALUES ('x', 2), (CAST(NULL AS STRING), CAST(NULL AS INT))) AS t(s, n);
-- Joining and replacing.
SELECT CONCAT('a', 'b'), CONCAT_WS('-', 'a', s, 'b'), 'a' || 'b', CONCAT_WS(s, 'a', 'b'), CONCAT('a', s), CONCAT_WS('-', 'a'), CAST('a' AS VARCHAR(5)) || 'b', 'a' || s
FROM (VALUES ('x'), (CAST(NULL AS STRING))) AS t(s);
SELECT REPLACE('abcb', 'b', 'x'), REPLACE('abc', '', 'x'), REPLACE(s, 'a', 'b'), REPLACE('a', 'a', s) FROM (VALUES ('abca'), (CAST(NULL AS STRING))) AS t(s);
SELECT OVERLAY('This is a old string' PLACING ' new' FROM 10 FOR 5), OVERLAY('abcdef' PLACING 'XY' FROM 2), OVERLAY('abc' PLACING 'X' FROM 10), OVERLAY('abc' PLACING 'X' FROM 0), OVERLAY('abc' PLACING 'X' FROM -1 FOR 1);
SELECT OVERLAY('abcdef' PLACING 'X' FROM 2 FOR 0), OVERLAY('abcdef' PLACING 'X' FROM 2 FOR -1), OVERLAY('abcdef' PLACING 'X' FROM 5 FOR 10), OVERLAY('éabc' PLACING 'X' FROM 2 FOR 1), OVERLAY(s PLACING 'x' FROM 1), OVERLAY('abc' PLACING s FROM 2)
FROM (VALUES ('q'), (CAST(NULL AS STRING))) AS t(s);
SELECT TRANSLATE('abcba', 'ab', 'xy'), TRANSLATE('abcba', 'abc', 'x'), TRANSLATE('abc', '', 'x'), TRANSLATE('abc', 'aa', 'xy'), TRANSLATE('abc', 'ab', ''), TRANSLATE('aéb', 'é', 'e'), TRANSLATE3('abc', 'b', 'x');
SELECT TRANSLATE(s, 'x', 'y'), TRANSLATE('xq', 'x', s) FROM (VALUES ('x'), (CAST(NULL AS STRING))) AS t(s);
-- Parts.
SELECT SUBSTRING('hello', 2), SUBSTRING('hello' FROM 2 FOR 3), SUBSTR('hello', -3), SUBSTR('hello', -9, 2), SUBSTRING('hello', 9), SUBSTRING('hello', 2, 0), SUBSTRING('hello', 2, -1), SUBSTRING(s, n), SUBSTRING(s, 1, n)
FROM (VALUES ('wörld', 2), ('x', CAST(NULL AS INT)), (CAST(NULL AS STRING), 1)) AS t(s, n);
SELECT SPLIT_INDEX('a,b,,c', ',', 1), SPLIT_INDEX('a,b,,c', ',', 2), SPLIT_INDEX('a,b', ',', 5), SPLIT_INDEX('a,b', ',', -1), SPLIT_INDEX('', ',', 0), SPLIT_INDEX('abc', '', 0), SPLIT_INDEX('a,b', 44, 1), SPLIT_INDEX(s, ',', 0)
FROM (VALUES ('x,y'), (CAST(NULL AS STRING))) AS t(s);
SELECT SPLIT('a,b,,c', ','), SPLIT('abc', ''), SPLIT('', ','), SPLIT('abc', 'x'), SPLIT(s, ','), SPLIT('a', s) FROM (VALUES ('x,y'), (CAST(NULL AS STRING))) AS t(s);
SELECT ELT(i, 'a', 'bb', s), ELT(1, x'01', x'02'), ELT(i, 'a', 'b') FROM (VALUES (1, 'x'), (3, 'y'), (CAST(NULL AS INT), 'z'), (9, 'z'), (0, 'q')) AS t(i, s);
SELECT STR_TO_MAP('k1=v1,k2=v2'), STR_TO_MAP('k1:v1;k2:v2', ';', ':'), STR_TO_MAP('k1,k2=v2'), STR_TO_MAP(''), STR_TO_MAP('a=1,a=2'), STR_TO_MAP(s)['k'] FROM (VALUES ('k=v'), ('x=y'), (CAST(NULL AS STRING))) AS t(s);
-- Places and questions.
SELECT LOCATE('b', 'abcb'), LOCATE('b', 'abcb', 3), LOCATE('z', 'abc'), LOCATE('', 'abc'), LOCATE('b', 'abc', 0), LOCATE('b','abc', -1), LOCATE('', 'abc', 9), LOCATE('b', 'ébb', 3), LOCATE(s, 'abc') FROM (VALUES ('b'), (CAST(NULL AS STRING))) AS t(s);
SELECT POSITION('b' IN 'abc'), POSITION('' IN 'abc'), INSTR('abcb', 'b'), INSTR('abc', ''), INSTR('abcabc', 'b', 3), INSTR('abcabcabc', 'b', -1, 2), INSTR('abcabc', 'b', 1, 2), INSTR('abcabc', 'b', 1, 3), INSTR('abc', 'b', 0), POSITION(s IN 'abc') FROM (VALUES ('c'), (CAST(NULL AS STRING))) AS t(s);
SELECT STARTSWITH('abc', 'a'), STARTSWITH('abc', ''), ENDSWITH('abc', 'bc'), ENDSWITH('abc', 'x'), STARTSWITH(x'0102', x'01'), ENDSWITH(x'0102', x'01'), STARTSWITH('abc', s), ENDSWITH(s, 'b') FROM (VALUES ('ab'), (CAST(NULL AS STRING))) AS t(s);
SELECT IS_ALPHA(s), IS_DIGIT(s), IS_DECIMAL(s) FROM (VALUES ('abc'), ('a1'), (''), ('12'), ('1.2'), ('-1e3'), ('é'), ('٣'), (' 1'), ('.5'), ('5.'), ('1,0'), ('0x1'), ('x'), (CAST(NULL AS STRING))) AS t(s);
SELECT IS_DECIMAL(1), IS_DIGIT(1), IS_ALPHA(1), IS_DIGIT(i) FROM (VALUES (1), (CAST(NULL AS INT))) AS t(i);
SELECT s LIKE 'a\c', s LIKE 'a\%', s LIKE 'a!%c' ESCAPE '!', s NOT LIKE 'a!_c' ESCAPE '!', s LIKE 'a%', s NOT LIKE '%c' FROM (VALUES ('a\c'), ('a%c'), ('abc'), ('a_c'), ('a\bc'), (CAST(NULL AS STRING))) AS t(s);
SELECT s LIKE p, s LIKE p ESCAPE '!' FROM (VALUES ('a\c', 'a\_'), ('ab', 'a_'), ('a%', 'a!%'), ('x', CAST(NULL AS STRING))) AS t(s, p);
-- PRINTF.
SELECT PRINTF('%s %d', 'a', 5), PRINTF('x'), PRINTF('%05.2f|%x|%-5s|%5s|%%|%X|%o', 3.14159e0, 255, 'a', 'b', 255, 8), PRINTF('%c', 'c'), PRINTF('%d', CAST(NULL AS INT)), PRINTF('%d', 'a'), PRINTF('%s %s', 'a');
SELECT PRINTF('%,d %+d %e %b %S', 1234567, 5, 1.5e0, TRUE, 'abc'), PRINTF('%.3s|%10.2e|%b|%(d|% d|%08d', 'abcdef', 12345.678e0, FALSE, -5, 5, -42), PRINTF('%2$s %1$s %s', 'a', 'b'), PRINTF('%d', CAST(5 AS BIGINT));
SELECT PRINTF('%f', 1.5e0), PRINTF('%s', 1.5e0), PRINTF('%s', CAST(1.5 AS FLOAT)), PRINTF('%s', TRUE), PRINTF('%b', 'x'), PRINTF('%c', 65), PRINTF('%x', -1), PRINTF('%f', 2.5), PRINTF('%s', CAST(1.50 AS DECIMAL(5, 2))), PRINTF(s, 1) FROM (VALUES ('%d'), (CAST(NULL AS STRING))) AS t(s);
