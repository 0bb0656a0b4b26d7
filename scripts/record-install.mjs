/** Runs as `postinstall`: notes which lockfile the dependencies were installed from. */
import { recordInstall } from './setup.mjs'

recordInstall()
