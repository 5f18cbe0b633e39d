//! The accounts of an exchange's firms, and who of them is of one owner.

use std::collections::BTreeMap;

use toml::Spanned;
use types::{AccountId, FirmId};

use super::super::Faults;
use super::members::{CREDIT_MAX, Firm};
use crate::config::exchange::{self as raw, SelfMatchBy};
use crate::fault;

/// Whose orders are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// As the firm calls it, or the user of the port whose own it is.
    pub name: String,
    /// Whose customer it is.
    pub firm: FirmId,
    /// What its open orders and its trades may come to, in whole units of currency.
    pub credit: u64,
    /// Accounts with the same number are of one owner. Above zero.
    pub owner: u32,
}

/// All accounts of an exchange, as they are found.
#[derive(Default)]
pub(super) struct Accounts<'a> {
    all: Vec<Account>,
    named: BTreeMap<(FirmId, &'a str), AccountId>,
    /// By their numbers, from 1.
    owners: BTreeMap<Owner<'a>, u32>,
}

/// Who may not trade with himself.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Owner<'a> {
    Account(AccountId),
    Firm(FirmId),
    Group(&'a str),
}

impl<'a> Accounts<'a> {
    /// The accounts that a firm names.
    pub(super) fn add_firm(
        &mut self,
        id: FirmId,
        (firm, raw): (&Firm, &'a raw::Firm),
        faults: &mut Faults<'_>,
    ) {
        let group = raw.group.as_ref();
        let is_by_group = by(raw) == SelfMatchBy::Group;
        if let (true, None, Some(at)) = (is_by_group, group, &raw.self_match_by) {
            let what = "self_match_by is `group`, and the firm has no `group`";
            faults.add(at, what).remedy_last("write `group = \"NAME\"` in the firm");
        }
        let groups = raw.accounts.iter().filter_map(|entry| entry.get_ref().group.as_ref());
        for group in group.into_iter().chain(groups).filter(|_| !is_by_group) {
            let what = format!("group `{}` changes nothing", group.get_ref());
            faults.add(group, what).remedy_last("write `self_match_by = \"group\"` in the firm");
        }
        for entry in &raw.accounts {
            let account = entry.get_ref();
            let name = account.name.get_ref().as_str();
            if name.is_empty() {
                faults.add(&account.name, "an account has no name");
            }
            let credit = account.credit.as_ref();
            let credit = faults.limit("credit of an account", credit, 1..=CREDIT_MAX, firm.credit);
            let group = account.group.as_ref().or(group).map(|group| group.get_ref().as_str());
            let account = self.push((id, raw, group), name, credit);
            if self.named.insert((id, name), account).is_some() {
                let what = format!("account `{name}` of the firm is there twice");
                faults.add(&entry.get_ref().name, what);
            }
        }
    }

    /// One of a port's own, named by its user.
    pub(super) fn add_own(
        &mut self,
        id: FirmId,
        (firm, raw): (&Firm, &'a raw::Firm),
        user: &str,
    ) -> AccountId {
        let group = raw.group.as_ref().map(|group| group.get_ref().as_str());
        self.push((id, raw, group), user, firm.credit)
    }

    fn push(
        &mut self,
        (firm, raw, group): (FirmId, &'a raw::Firm, Option<&'a str>),
        name: &str,
        credit: u64,
    ) -> AccountId {
        let id = AccountId::new(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let owner = match (by(raw), group) {
            (SelfMatchBy::Account, _) => Owner::Account(id),
            (SelfMatchBy::Group, Some(group)) => Owner::Group(group),
            // Without a group there was a fault.
            (SelfMatchBy::Firm, _) | (SelfMatchBy::Group, None) => Owner::Firm(firm),
        };
        let owner = self.number(owner);
        self.all.push(Account { name: name.to_owned(), firm, credit, owner });
        id
    }

    fn number(&mut self, owner: Owner<'a>) -> u32 {
        let next = u32::try_from(self.owners.len() + 1).unwrap_or(u32::MAX);
        *self.owners.entry(owner).or_insert(next)
    }

    /// The account that a port names.
    pub(super) fn find(
        &self,
        (firm, firm_name): (FirmId, &str),
        name: &Spanned<String>,
        faults: &mut Faults<'_>,
    ) -> Option<AccountId> {
        let text = name.get_ref().as_str();
        let found = self.named.get(&(firm, text)).copied();
        if found.is_none() {
            let of_firm = |((of, name), _): (&(FirmId, &'a str), _)| (*of == firm).then_some(*name);
            let names = self.named.iter().filter_map(of_firm);
            let remedy = fault::suggest(text, names);
            let what = format!("account `{text}` is none of firm `{firm_name}`");
            faults.add(name, what).remedy_last(&remedy);
        }
        found
    }

    /// All of them, by number.
    pub(super) fn into_all(self) -> Vec<Account> {
        self.all
    }
}

fn by(raw: &raw::Firm) -> SelfMatchBy {
    raw.self_match_by.as_ref().map_or(SelfMatchBy::Firm, |by| *by.get_ref())
}
