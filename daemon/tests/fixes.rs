//! Steps that the command line takes by itself: it knows them from the contract, and the sensors say them.

#[test]
fn steps_are_told_in_the_words_of_the_contract() {
    use dwell_bus::fixes as contract;
    use dwell_desktop::fixes as told;
    assert_eq!(told::ATTACH, contract::ATTACH);
    assert_eq!(told::GNOME_INSTALL, contract::GNOME_INSTALL);
    assert_eq!(told::GNOME_SWITCH_ON, contract::GNOME_SWITCH_ON);
}
