-- What is wrong with steps is told though the job is broken, where it is not of what is broken.
TEST 'a broken job' FOR 'jobs/broken.sql';
GIVEN half (id, ts) VALUES ('one', 'yesterday'), (2);
GIVEN half (idd) VALUES (1);
GIVEN half FROM 'nowhere.jsonl';
GIVEN orders VALUES ('one');
ADVANCE WATERMARK half TO 'yesterday';
IDLE PARTITION 1;
EXPECT o (idd) VALUES (1);
EXPECT o VALUES ('x');
EXPECT ERROR 'E0202' IN (SELECT idd FROM half);
EXPECT unknown ROWS 0;

TEST 'the own job is broken' WITH ('TOPIC' = 't');
CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = '${TOPIC}', 'properties.bootstrap.servers' = '${BROKERS}', 'format' = 'json');
CREATE TABLE u (id INT) WITH ('connector' = 'print');
INSERT INTO u SELECT idd FROM t;
GIVEN t VALUES ('one');
EXPECT u VALUES ('one');
