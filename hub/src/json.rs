//! How fields are read where serde is more lenient than JSON schema, or less: a list is no object, and
//! 3.0 is a whole number.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

/// Beyond it a double no longer tells whole numbers apart.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A struct that is read from an object only; serde's own would take a list of its fields, too.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        let object = deserializer.deserialize_map(ObjectVisitor(PhantomData));
        object.map(Self)
    }
}

pub(crate) fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let object = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(object.map(|Object(it)| it))
}

pub(crate) fn objects<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(it)| it).collect())
}

/// A whole number, however it is written; or null.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    struct WholeVisitor;

    impl<'de> Visitor<'de> for WholeVisitor {
        type Value = Option<i64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of at most 64 bits")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Option<i64>, E> {
            Ok(Some(number))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Option<i64>, E> {
            let whole = i64::try_from(number);
            whole
                .map(Some)
                .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<Option<i64>, E> {
            if number.fract() == 0.0 && number.abs() <= LARGEST_WHOLE {
                Ok(Some(number as i64))
            } else {
                Err(E::invalid_type(Unexpected::Float(number), &self))
            }
        }

        fn visit_unit<E: Error>(self) -> Result<Option<i64>, E> {
            Ok(None)
        }

        fn visit_none<E: Error>(self) -> Result<Option<i64>, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(WholeVisitor)
}

/// The same, for what can't be negative or too large.
pub(crate) fn count<'de, N, D>(deserializer: D) -> Result<Option<N>, D::Error>
where
    N: TryFrom<i64>,
    D: Deserializer<'de>,
{
    let number = whole(deserializer)?;
    let counted = number.map(|number| {
        let unexpected = Unexpected::Signed(number);
        N::try_from(number).map_err(|_| D::Error::invalid_value(unexpected, &"a count"))
    });
    counted.transpose()
}
