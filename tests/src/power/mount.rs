//! A disk that forgets, mounted where programs find it.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use fuser::{
    AccessFlags, BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyStatfs, ReplyWrite, Request, Session,
    TimeOrNow, WriteFlags,
};

use super::disk::{Disk, Done, Node, Number, Refused, State};

/// The kernel may believe what it was told: nobody else changes anything here.
const FOR_EVER: Duration = Duration::from_hours(24);

/// A mounted disk; it is taken away when this is dropped.
#[derive(Debug)]
pub struct Mounted(BackgroundSession);

impl Mounted {
    /// Mounts `disk` on a folder that is there. Needs root.
    pub fn at(folder: &Path, disk: &Disk) -> io::Result<Self> {
        let session = Session::new(Served(disk.clone()), folder, &Config::default())?;
        Ok(Self(session.spawn()?))
    }

    /// Takes it away, and waits until it is gone: nobody may be on it any more.
    pub fn take_away(self) -> io::Result<()> {
        self.0.umount_and_join()
    }
}

#[derive(Debug)]
struct Served(Disk);

/// Answers with what came out, or with the system's name of why not.
macro_rules! answer {
    ($reply:ident, $done:expr, |$value:pat_param| $say:expr) => {
        match $done {
            Ok($value) => $say,
            Err(refused) => $reply.error(named(refused)),
        }
    };
}

impl Served {
    fn named(&self, folder: INodeNo, name: &OsStr) -> Done<FileAttr> {
        let mut state = self.0.state();
        let number = state.find(folder.0, name)?;
        attributes(&state, number)
    }

    fn made(&self, folder: INodeNo, name: &OsStr, is_folder: bool) -> Done<FileAttr> {
        let mut state = self.0.state();
        let number = state.make(folder.0, name, is_folder)?;
        attributes(&state, number)
    }

    fn resized(&self, number: INodeNo, size: Option<u64>) -> Done<FileAttr> {
        let mut state = self.0.state();
        if let Some(size) = size {
            state.resize(number.0, place(size))?;
        }
        attributes(&state, number.0)
    }

    fn listed(&self, folder: INodeNo) -> Done<Vec<(Number, FileType, std::ffi::OsString)>> {
        let state = self.0.state();
        let Node::Folder(entries) = state.node(folder.0)? else { return Err(Refused::NotFolder) };
        let own = [".", ".."].map(|name| (folder.0, FileType::Directory, name.into()));
        let inside = entries.now.iter().map(|(name, number)| {
            let is_folder = matches!(state.node(*number), Ok(Node::Folder(_)));
            let kind = if is_folder { FileType::Directory } else { FileType::RegularFile };
            (*number, kind, name.clone())
        });
        Ok(own.into_iter().chain(inside).collect())
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer!(reply, self.named(parent, name), |it| reply.entry(&FOR_EVER, &it, Generation(0)));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer!(reply, self.resized(ino, None), |it| reply.attr(&FOR_EVER, &it));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        answer!(reply, self.resized(ino, size), |it| reply.attr(&FOR_EVER, &it));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let made = self.made(parent, name, true);
        answer!(reply, made, |it| reply.entry(&FOR_EVER, &it, Generation(0)));
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let made = self.made(parent, name, false);
        answer!(reply, made, |it| {
            let (generation, handle) = (Generation(0), FileHandle(0));
            reply.created(&FOR_EVER, &it, generation, handle, FopenFlags::empty());
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer!(reply, self.0.state().remove(parent.0, name, false), |()| reply.ok());
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer!(reply, self.0.state().remove(parent.0, name, true), |()| reply.ok());
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.0.state().rename((parent.0, name), (newparent.0, newname));
        answer!(reply, renamed, |()| reply.ok());
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.0.state().read(ino.0, place(offset), size as usize);
        answer!(reply, read, |it| reply.data(&it));
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.0.state().write(ino.0, place(offset), data);
        let count = u32::try_from(data.len()).unwrap_or(u32::MAX);
        answer!(reply, written, |()| reply.written(count));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer!(reply, self.0.state().sync(ino.0), |()| reply.ok());
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer!(reply, self.0.state().sync(ino.0), |()| reply.ok());
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        answer!(reply, self.listed(ino), |listed| {
            for ((number, kind, name), next) in listed.into_iter().zip(1..).skip(place(offset)) {
                if reply.add(INodeNo(number), next, kind, name) {
                    break;
                }
            }
            reply.ok();
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (blocks, block_bytes) = (1 << 22, 4096);
        reply.statfs(blocks, blocks, blocks, blocks, blocks, block_bytes, 255, block_bytes);
    }

    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        reply.ok();
    }
}

fn attributes(state: &State, number: Number) -> Done<FileAttr> {
    let (kind, perm, links) = match state.node(number)? {
        Node::File(_) => (FileType::RegularFile, 0o600, 1),
        Node::Folder(_) => (FileType::Directory, 0o700, 2),
    };
    let size = state.length(number)?;
    let then = SystemTime::UNIX_EPOCH;
    Ok(FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: then,
        mtime: then,
        ctime: then,
        crtime: then,
        kind,
        perm,
        nlink: links,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

fn named(refused: Refused) -> Errno {
    match refused {
        Refused::Io => Errno::EIO,
        Refused::Full => Errno::ENOSPC,
        Refused::NotFound => Errno::ENOENT,
        Refused::Exists => Errno::EEXIST,
        Refused::NotEmpty => Errno::ENOTEMPTY,
        Refused::IsFolder => Errno::EISDIR,
        Refused::NotFolder => Errno::ENOTDIR,
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
