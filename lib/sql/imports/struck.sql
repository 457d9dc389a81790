-- A table for the lines of {source} that break a rule beside other lines; without a rule where a line was only repeated;
-- one that falls with another line has that as its reason.
CREATE TABLE struck_{source} (line BIGINT, field VARCHAR, rule VARCHAR, value VARCHAR, reason VARCHAR, fallen BOOLEAN)
