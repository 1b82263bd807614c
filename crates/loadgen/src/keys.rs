use crate::{KeyOrder, LoadError, LoadOptions};
use bytes::Bytes;
use rand::{Rng, RngCore, SeedableRng, rngs::SmallRng};

/// Keys of one length: the prefix, then the key's number in decimal digits.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlan {
    prefix: Bytes,
    key_size: usize,
    key_space: u64,
    order: KeyOrder,
}

impl KeyPlan {
    pub(crate) fn new(options: &LoadOptions) -> Result<Self, LoadError> {
        let digits_needed = (options.key_space - 1).max(1).ilog10() as usize + 1;
        let size_min = options.prefix.len() + digits_needed;
        if options.key_size < size_min {
            return Err(LoadError::InvalidOptions(format!(
                "--key-size {} is too short for the prefix and {} keys: at least {size_min}",
                options.key_size, options.key_space
            )));
        }
        Ok(KeyPlan {
            prefix: Bytes::copy_from_slice(options.prefix.as_bytes()),
            key_size: options.key_size,
            key_space: options.key_space,
            order: options.order,
        })
    }

    /// A key of the plan's length, to lay a template out.
    pub(crate) fn sample(&self) -> Bytes {
        let mut key = vec![0; self.key_size];
        self.write(0, &mut key);
        key.into()
    }

    /// Writes the key of the `turn`-th call; `key` has the plan's length.
    pub(crate) fn write_turn(&self, turn: u64, random: &mut SmallRng, key: &mut [u8]) {
        let number = match self.order {
            KeyOrder::Sequential => turn % self.key_space,
            KeyOrder::Random => random.random_range(0..self.key_space),
        };
        self.write(number, key);
    }

    fn write(&self, mut number: u64, key: &mut [u8]) {
        let (prefix, digits) = key.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(&self.prefix);
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
}

/// Bytes that do not compress: the one value of a whole run.
pub(crate) fn random_value(size: usize, seed: u64) -> Bytes {
    let mut value = vec![0; size];
    SmallRng::seed_from_u64(seed).fill_bytes(&mut value);
    value.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(order: KeyOrder) -> KeyPlan {
        KeyPlan {
            prefix: Bytes::from_static(b"p/"),
            key_size: 6,
            key_space: 100,
            order,
        }
    }

    fn keys(plan: &KeyPlan, seed: u64) -> Vec<String> {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut key = plan.sample().to_vec();
        (98..102)
            .map(|turn| {
                plan.write_turn(turn, &mut random, &mut key);
                String::from_utf8(key.clone()).unwrap()
            })
            .collect()
    }

    #[test]
    fn sequential_keys_wrap_at_the_key_space() {
        let found = keys(&plan(KeyOrder::Sequential), 1);
        assert_eq!(found, ["p/0098", "p/0099", "p/0000", "p/0001"]);
    }

    #[test]
    fn random_keys_repeat_with_their_seed() {
        let plan = plan(KeyOrder::Random);
        assert_eq!(keys(&plan, 7), keys(&plan, 7));
        assert_ne!(keys(&plan, 7), keys(&plan, 8));
    }

    #[test]
    fn one_seed_is_one_value() {
        assert_eq!(random_value(256, 3), random_value(256, 3));
        assert_ne!(random_value(256, 3), random_value(256, 4));
    }
}
