//! What every test uses: a browser, and what people do with one.

mod api;
mod axe;
mod browser;
mod devtools;
mod driver;
mod environment;
mod journal;
mod keyboard;
mod look;
mod page;
mod served;
mod sign_in;
mod wait;

pub(crate) use self::browser::{Browser, browse, picture_file};
pub(crate) use self::driver::processes_of;
pub(crate) use self::environment::Site;
pub(crate) use self::look::{Look, Screen, Theme};
pub(crate) use self::served::Served;
