# Run by cpack over what it is about to pack: as Debian's policy has it.
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)
file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)
file(RENAME ${share}/doc/bantam/CHANGELOG.md ${share}/doc/bantam/changelog)
execute_process(COMMAND gzip -9n ${share}/man/man1/bantam.1 ${share}/doc/bantam/changelog COMMAND_ERROR_IS_FATAL ANY)
