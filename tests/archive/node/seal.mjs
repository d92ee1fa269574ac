// Seals every file of a folder for a public key, as the archive does: FILE -> FILE.esdk
import { createHash, createPublicKey } from 'node:crypto'
import { createReadStream, createWriteStream, readdirSync, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import {
  AlgorithmSuiteIdentifier, buildClient, CommitmentPolicy, RawRsaKeyringNode
} from '@aws-crypto/client-node'

const [publicFile, folder, context] = process.argv.slice(2)
const publicKey = readFileSync(publicFile, 'utf8')
const info = createPublicKey(publicKey).export({ type: 'spki', format: 'der' })
const keyring = new RawRsaKeyringNode({
  keyNamespace: 'addon-rsa',
  keyName: 'rsa-' + createHash('sha256').update(info).digest('hex').slice(0, 32),
  rsaKey: { publicKey },
  oaepHash: 'sha256'
})
const { encryptStream } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
for (const name of readdirSync(folder)) {
  const encrypt = encryptStream(keyring, {
    suiteId: AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
    frameLength: 65536,
    encryptionContext: JSON.parse(context)
  })
  const file = `${folder}/${name}`
  await pipeline(createReadStream(file), encrypt, createWriteStream(`${file}.esdk`))
}
