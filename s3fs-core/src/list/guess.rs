//! Guess of where the next pages of a long listing start, so that several can be requested at once.
//!
//! A wrong guess costs a request; the listed entries do not depend on it. Names made by programs
//! count or are spread evenly: `part-000123.parquet`, hashes, UUIDs, dates. The names of one page,
//! read as numbers in the digits they seem to be written in, therefore predict how far the next
//! page goes.

/// Maximum number of digits: as many fit into a `u128` in any of the bases.
const DIGITS: usize = 16;

/// Sets of digits that names are written in, the smallest first.
const ALPHABETS: [&[u8]; 4] = [
    b"0123456789",
    b"0123456789abcdef",
    b"0123456789abcdefghijklmnopqrstuvwxyz",
    b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
];

/// Returns at most `count` names, in order, behind which the second, third… page from here may
/// start. The present page went from `first` to `last`.
pub fn guess(first: &str, last: &str, count: usize) -> Vec<String> {
    let Some((stem, numbers)) = Numbers::between(first, last) else {
        return Vec::new();
    };
    let width = numbers.last - numbers.first + 1;
    (1..=count as u128)
        .map_while(|n| numbers.last.checked_add(width.checked_mul(n)?))
        .take_while(|&number| number <= numbers.largest)
        .map(|number| stem.to_owned() + &numbers.written(number))
        // A byte that is no digit may stand behind all of them.
        .filter(|name| name.as_str() > last)
        .collect()
}

/// Two names read as numbers.
#[derive(Debug)]
struct Numbers {
    alphabet: &'static [u8],
    digits: usize,
    first: u128,
    last: u128,
    largest: u128,
}

impl Numbers {
    /// Splits two names into their common stem, without the digits that are counted, and two
    /// numbers.
    fn between<'a>(first: &'a str, last: &str) -> Option<(&'a str, Self)> {
        let same = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b);
        let same = same.count();
        let word = |name: &'_ str| -> usize {
            let rest = name.bytes().skip(same);
            rest.take_while(u8::is_ascii_alphanumeric).count()
        };
        let words = [
            &first.as_bytes()[same..same + word(first)],
            &last.as_bytes()[same..same + word(last)],
        ];
        let fits = |alphabet: &&[u8]| words.concat().iter().all(|byte| alphabet.contains(byte));
        ALPHABETS.into_iter().filter(fits).find_map(|alphabet| {
            // Digits in front of the first difference are counted too: 0999 is followed by 1000.
            let counted = |byte: &u8| alphabet.contains(byte);
            let stem = &first.as_bytes()[..same];
            let stem = same - stem.iter().rev().take_while(|b| counted(b)).count();
            let run = |name: &str| name.bytes().skip(stem).take_while(counted).count();
            let digits = run(first).max(run(last)).min(DIGITS);
            let read = |name: &str| read(&name.as_bytes()[stem..], alphabet, digits);
            let (from, to) = (read(first), read(last));
            let largest = u128::try_from(alphabet.len())
                .ok()?
                .checked_pow(u32::try_from(digits).ok()?)?
                - 1;
            let numbers = Self {
                alphabet,
                digits,
                first: from,
                last: to,
                largest,
            };
            (from < to && first.is_char_boundary(stem)).then(|| (&first[..stem], numbers))
        })
    }

    fn written(&self, mut number: u128) -> String {
        let base = self.alphabet.len() as u128;
        let mut digits = vec![0; self.digits];
        for digit in digits.iter_mut().rev() {
            *digit = self.alphabet[(number % base) as usize];
            number /= base;
        }
        digits.into_iter().map(char::from).collect()
    }
}

/// Reads the leading digits of a name; missing ones count as the smallest.
fn read(name: &[u8], alphabet: &[u8], digits: usize) -> u128 {
    let digit = |n: usize| {
        let byte = name.get(n)?;
        alphabet.iter().position(|digit| digit == byte)
    };
    let mut number = 0;
    let mut is_over = false;
    for n in 0..digits {
        let value = digit(n).filter(|_| !is_over);
        is_over |= value.is_none();
        number = number * alphabet.len() as u128 + value.unwrap_or(0) as u128;
    }
    number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counted_names_go_on_counting() {
        let pages = guess("part-000000.csv", "part-000999.csv", 3);
        assert_eq!(pages, ["part-001999", "part-002999", "part-003999"]);
    }

    #[test]
    fn hashes_are_spread_evenly() {
        let pages = guess("00a1b2c3", "0fffffff", 2);
        assert_eq!(pages, ["1f5e4d3c", "2ebc9a79"]);
    }

    #[test]
    fn the_digits_are_those_of_the_whole_word() {
        assert_eq!(guess("00a1-x", "029f-y", 2), ["049e", "069d"]);
    }

    #[test]
    fn numbers_of_different_lengths_are_compared_from_the_left() {
        assert_eq!(guess("10899", "118", 2), ["12702", "13604"]);
    }

    #[test]
    fn there_is_nothing_behind_the_last_number() {
        assert_eq!(guess("500", "899", 5), Vec::<String>::new());
        assert_eq!(guess("a", "a", 5), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn guesses_are_in_order_and_behind_the_page(
            mut names in proptest::collection::btree_set("[a-c0-2/._Zü-]{1,6}", 2..9)
        ) {
            let (first, last) = (names.pop_first().unwrap(), names.pop_last().unwrap());
            let mut before = last.clone();
            for name in guess(&first, &last, 8) {
                prop_assert!(name > before, "{name} {before}");
                before = name;
            }
        }
    }
}
