//! Greeters: the same moment, as each of them shows it.

mod lightdm;
mod sddm;

pub(super) use self::{lightdm::PART as LIGHTDM, sddm::PART as SDDM};
