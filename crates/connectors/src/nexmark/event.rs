//! What event number n is. Proportions, hot keys and value ranges follow the Nexmark suite's generator.

use crate::random::Random;

/// Makes events of numbers.
#[derive(Debug, Clone)]
pub(super) struct Generator {
    pub(super) seed: u64,
    pub(super) base_ms: i64,
    /// Events per second of event time.
    pub(super) rate: u64,
    /// Persons, auctions, bids.
    pub(super) proportions: [u64; 3],
}

pub(super) struct Person {
    pub(super) id: i64,
    pub(super) random: Random,
}

pub(super) struct Auction {
    pub(super) id: i64,
    pub(super) seller: i64,
    pub(super) category: i64,
    pub(super) initial_bid: i64,
    pub(super) reserve: i64,
    pub(super) expires: i64,
    pub(super) random: Random,
}

pub(super) struct Bid {
    pub(super) auction: i64,
    pub(super) bidder: i64,
    pub(super) price: i64,
    /// A well-known channel, or the number of another one.
    pub(super) channel: Result<usize, u64>,
    pub(super) random: Random,
}

pub(super) enum Event {
    Person(Person),
    Auction(Auction),
    Bid(Bid),
}

const FIRST_PERSON: i64 = 1000;
const FIRST_AUCTION: i64 = 1000;
const FIRST_CATEGORY: i64 = 10;
/// Every so many-th choice is not the hot one.
const HOT_SELLER: u64 = 4;
const HOT_AUCTION: u64 = 2;
const HOT_BIDDER: u64 = 4;
const HOT_CHANNEL: u64 = 2;
/// Of so many neighbours one is hot.
const HOT_GROUP: i64 = 100;
const ACTIVE_PEOPLE: i64 = 1000;
const IN_FLIGHT_AUCTIONS: i64 = 100;
const CHANNELS: u64 = 10_000;
pub(super) const HOT_CHANNELS: [(&str, &str); 4] = [
    ("Google", "https://www.nexmark.com/googl/item.htm?query=1"),
    ("Facebook", "https://www.nexmark.com/faceb/item.htm?query=1"),
    ("Baidu", "https://www.nexmark.com/baidu/item.htm?query=1"),
    ("Apple", "https://www.nexmark.com/apple/item.htm?query=1"),
];

/// Prices are spread over six powers of ten.
fn price(random: &mut Random) -> i64 {
    (10f64.powf(random.unit() * 6.0) * 100.0).round() as i64
}

impl Generator {
    pub(super) fn time_ms(&self, number: u64) -> i64 {
        self.base_ms + (u128::from(number) * 1000 / u128::from(self.rate)) as i64
    }

    /// Persons and auctions there are before or at an event.
    fn last_ids(&self, number: u64) -> (i64, i64) {
        let [persons, auctions, bids] = self.proportions;
        let round = persons + auctions + bids;
        let (epoch, offset) = (number / round, number % round);
        let person = epoch * persons + offset.min(persons - 1);
        let auction = if offset < persons {
            (epoch * auctions).saturating_sub(1)
        } else {
            epoch * auctions + (offset - persons).min(auctions - 1)
        };
        (person as i64, auction as i64)
    }

    pub(super) fn event(&self, number: u64) -> Event {
        let [persons, auctions, bids] = self.proportions;
        let offset = number % (persons + auctions + bids);
        let mut r = Random::new(self.seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let (last_person, last_auction) = self.last_ids(number);
        if offset < persons {
            return Event::Person(Person {
                id: last_person + FIRST_PERSON,
                random: r,
            });
        }
        let someone = |r: &mut Random| {
            let active = last_person.min(ACTIVE_PEOPLE);
            last_person - active + r.below(active as u64 + 1) as i64
        };
        if offset < persons + auctions {
            let seller = if r.below(HOT_SELLER) > 0 {
                last_person / HOT_GROUP * HOT_GROUP
            } else {
                someone(&mut r)
            };
            let initial_bid = price(&mut r);
            // Auctions last for about the time in which those in flight come up.
            let horizon = (IN_FLIGHT_AUCTIONS as u64 * (persons + auctions + bids) / auctions) * 1000 / self.rate;
            return Event::Auction(Auction {
                id: last_auction + FIRST_AUCTION,
                seller: seller + FIRST_PERSON,
                category: FIRST_CATEGORY + r.below(5) as i64,
                initial_bid,
                reserve: initial_bid + price(&mut r),
                expires: self.time_ms(number) + 1 + r.below((horizon * 2).max(1)) as i64,
                random: r,
            });
        }
        let auction = if r.below(HOT_AUCTION) > 0 {
            last_auction / HOT_GROUP * HOT_GROUP
        } else {
            let oldest = (last_auction - IN_FLIGHT_AUCTIONS).max(0);
            oldest + r.below((last_auction - oldest + 1) as u64) as i64
        };
        let bidder = if r.below(HOT_BIDDER) > 0 {
            last_person / HOT_GROUP * HOT_GROUP + 1
        } else {
            someone(&mut r)
        };
        let price = price(&mut r);
        let channel = if r.below(HOT_CHANNEL) > 0 {
            Ok(r.below(HOT_CHANNELS.len() as u64) as usize)
        } else {
            Err(r.below(CHANNELS))
        };
        Event::Bid(Bid {
            auction: auction + FIRST_AUCTION,
            bidder: bidder + FIRST_PERSON,
            price,
            channel,
            random: r,
        })
    }
}
