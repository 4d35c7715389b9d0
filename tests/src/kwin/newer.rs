//! A newer KWin than this system's, in the tree of a newer system: the compositor alone runs there (chroot), and sees
//! the bed's folders and the built programs under the paths that they have here. Needs root.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::machine;
use crate::place::Place;
use crate::process::Process;

/// Mounts that nobody else sees, and that go with the compositor: the tree with changes in `$2`, and what is in both worlds.
const ENTER: &str = r#"
tree=$1 changes=$2 user=$3 group=$4; shift 4
binds=$1; shift
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$changes/upper,workdir=$changes/work" "$changes/root"
mount --rbind /proc "$changes/root/proc"
mount --rbind /dev "$changes/root/dev"
IFS=:
for folder in $binds; do
    mkdir -p "$changes/root$folder"
    mount --bind "$folder" "$changes/root$folder"
done
exec chroot "$changes/root" setpriv --reuid="$user" --regid="$group" --clear-groups --pdeathsig TERM -- "$@"
"#;

/// The tree of a newer system with KWin 6 in it.
#[derive(Debug, Clone)]
pub(crate) struct Newer {
    tree: PathBuf,
}

impl Newer {
    /// The tree that `DWELL_DESKTOPS_ROOT` names, else one that was built for tests.
    ///
    /// # Errors
    ///
    /// What this machine lacks.
    pub(crate) fn find() -> Result<Self, String> {
        if !rustix::process::getuid().is_root() {
            return Err("only root can run a compositor in another system's tree".to_owned());
        }
        let tree = machine::newer_desktops().filter(|tree| tree.join("usr/bin/kwin_wayland").exists());
        let tree =
            tree.ok_or("there is no tree of a newer system with kwin_wayland (DWELL_DESKTOPS_ROOT)")?;
        Ok(Newer { tree })
    }

    /// Where a program of that system is, seen from here.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.tree.join("usr/bin").join(name)
    }

    /// Starts a program of the bed there.
    pub(crate) fn start(&self, place: &Place, program: &str, arguments: &[&str]) -> Process {
        let changes =
            tempfile::Builder::new().prefix("tree-").tempdir_in(place.root()).expect("a folder").keep();
        for folder in ["upper", "work", "root"] {
            fs::create_dir(changes.join(folder)).expect("a folder for an overlay");
        }
        place.own(&changes, 0o755);
        let built = place.built("dwelld");
        let built = fs::canonicalize(built).expect("a built program");
        let built = built.parent().expect("a program is in a folder");
        let own = [place.runtime(), place.home(), built.to_owned()];
        let mut binds: Vec<String> = own.iter().map(|folder| folder.display().to_string()).collect();
        binds.dedup();
        let person = place.person();
        let mut enter = place.command_as_root("unshare");
        enter.args(["--mount", "--propagation", "private", "sh", "-euc", ENTER, "sh"]);
        enter.arg(&self.tree).arg(&changes).args([
            person.uid.to_string(),
            person.gid.to_string(),
            binds.join(":"),
        ]);
        enter.arg(program).args(arguments);
        log_to(&mut enter, place, program);
        Process::start(program, &mut enter)
    }
}

fn log_to(command: &mut Command, place: &Place, program: &str) {
    let log = place.open_log(program);
    command.stdout(log.try_clone().expect("a second handle of a log")).stderr(log);
}
