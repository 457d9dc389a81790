-- The key of a row named by a text: its version 5 UUID in a namespace that is fixed for ever, as all imports hang on it.
-- The parts of a name that has several stand apart by the unit separator, chr(31), which no accepted text holds.
CREATE MACRO uuid5(hex) AS
    (hex[1:12] || '5' || hex[14:16] || '89ab89ab89ab89ab'[instr('0123456789abcdef', hex[17])] || hex[18:32])::UUID;
CREATE MACRO key_of(kind, name) AS
    uuid5(sha1(unhex('12850252e6dc4b1288c7a202b1da15dd') || encode(kind || chr(31) || name)))
