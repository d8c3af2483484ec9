-- How many letters did not arrive: of each list and day, and not whose.
CREATE TABLE bounces (
    list integer NOT NULL REFERENCES lists,
    day date NOT NULL,
    letters bigint NOT NULL CHECK (letters > 0),
    PRIMARY KEY (list, day)
);
