use crate::{Field, SqlType};

#[test]
fn text_form_reads_back() {
    for text in [
        "BIGINT NOT NULL",
        "DECIMAL(10, 2)",
        "VARCHAR(2147483647)",
        "TIMESTAMP(3) WITH LOCAL TIME ZONE",
        "ROW<`a` INT NOT NULL, `b c` ARRAY<MAP<VARCHAR(2147483647), DOUBLE>>>",
        "INTERVAL DAY(2) TO SECOND(3)",
    ] {
        let field = Field::parse_type("x", text).unwrap();
        assert_eq!(field.serialized_type(), text);
        for told in [field.type_text(), field.serialized_type()] {
            assert_eq!(field, Field::parse_type("x", &told).unwrap(), "{text}");
        }
    }
    assert_eq!(Field::parse_type("x", "BIGINT NOT NULL").unwrap().type_text(), "BIGINT NOT NULL");
    let told = Field::parse_type("x", "ROW<`a` VARCHAR(2147483647) NOT NULL, `b` ARRAY<TIMESTAMP(3) WITH LOCAL TIME ZONE>>").unwrap();
    assert_eq!(told.type_text(), "ROW<`a` STRING NOT NULL, `b` ARRAY<TIMESTAMP_LTZ(3)>>");
    let described = "ROW<a INT NOT NULL 'it''s a', b CHARACTER VARYING(3) 'b'>";
    assert_eq!(described.parse::<SqlType>().unwrap().to_string(), "ROW<`a` INT NOT NULL, `b` VARCHAR(3)>");
    assert!("ROW<a INT 'open>".parse::<SqlType>().is_err());
    assert_eq!("STRING".parse::<SqlType>().unwrap(), SqlType::STRING);
}

#[test]
fn arrow_carrier_keeps_the_type() {
    for text in ["CHAR(3)", "TIMESTAMP(0)", "TIME(0)", "ROW<`a` CHAR(2)>", "MULTISET<INT>"] {
        let field = Field::parse_type("x", text).unwrap();
        assert_eq!(Field::from_arrow(&field.to_arrow()).unwrap(), field);
    }
}

#[test]
fn bad_types_are_named() {
    for text in ["BLOB", "DECIMAL(39, 0)", "ARRAY<INT", "TIMESTAMP(12)", "ROW<a>"] {
        let e = text.parse::<SqlType>().unwrap_err();
        assert!(e.message.contains(text), "{e}");
    }
}
