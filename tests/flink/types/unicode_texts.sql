-- Texts with characters by their numbers.
SELECT U&'caf\00e9' AS a, u&'\263A' AS b, U&'#263a' UESCAPE '#' AS c, U&'it''s \\ #' AS d, U&'\D83D\DE00!' AS e, U&'\0041\0042' || 'c' AS f;
SELECT U&'!0041!!\'
  UESCAPE '!' AS a, CHAR_LENGTH(U&'\263A\263A') AS n, UPPER(U&'\00e9') AS u, U&'a' = 'a' AS same;
CREATE VIEW v AS SELECT U&'\00fc' AS x;
SELECT x, U&'\00fc' = x AS same FROM v WHERE x <> U&'\00e9';
